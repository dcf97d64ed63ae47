import { readFileSync } from "node:fs";
import sixtydb from "60db";
import { answer, args } from "./harness.mjs";

const { SixtyDBClient } = sixtydb;
const client = new SixtyDBClient({ apiKey: args.key, baseUrl: args.base });
const file = new File([readFileSync(args.file)], "a.wav", { type: "audio/wav" });

async function refused(call) {
  try {
    return { ok: await call() };
  } catch (error) {
    return { status: error.response.status, body: error.response.data };
  }
}

answer({
  languages: await client.getLanguages(),
  heard: await client.speechToText(file, { language: "en" }),
  detected: await client.speechToText(file),
  unsupported: await refused(() => client.speechToText(file, { language: "ja" })),
  unknown: await refused(() => new SixtyDBClient({ apiKey: "stt_live_nobody", baseUrl: args.base }).speechToText(file)),
});
