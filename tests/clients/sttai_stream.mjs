import fs from "node:fs";
import { answer, args } from "./harness.mjs";

const { STTClient } = (await import("@sttainpm/sttai")).default;
const client = new STTClient({ apiKey: args.key, baseUrl: args.base });
const events = [];
const stream = client.stream(null, { language: "en" });
for (const name of ["partial", "transcript", "message", "error"]) {
  stream.on(name, (message) => events.push({ event: name, text: message.text, final: message.final ?? false }));
}
await new Promise((resolve) => stream.on("open", resolve));

const sound = fs.readFileSync(args.sound);
const piece = 3200;
for (let at = 0; at < sound.length; at += piece) {
  stream.send(sound.subarray(at, at + piece));
  await new Promise((resolve) => setTimeout(resolve, 50)); // twice as fast as it was spoken
}
const over = new Promise((resolve) => stream.on("transcript", (message) => message.final && resolve()));
stream.send(Buffer.alloc(0));
await over;
stream.close();
await new Promise((resolve) => stream.on("close", resolve));
answer(events);
