import { readFileSync } from "node:fs";
import { JigsawStack } from "jigsawstack";
import { answer, args } from "./harness.mjs";

const client = JigsawStack({ apiKey: args.key, baseURL: args.base });
const sound = new Blob([readFileSync(args.file)], { type: "audio/wav" });

// The client throws the body of a refusal as it is.
async function refused(call) {
  try {
    return { ok: await call() };
  } catch (body) {
    return body;
  }
}

const kept = await client.store.upload(sound, { key: "node/a.wav", overwrite: true });
const read = await (await client.store.retrieve(kept.key)).buffer();

answer({
  bare: await client.audio.speech_to_text(sound),
  speakers: await client.audio.speech_to_text(sound, { language: "en", by_speaker: true }),
  stored: await client.audio.speech_to_text({ file_store_key: kept.key, language: "en" }),
  kept,
  same: Buffer.compare(read, readFileSync(args.file)) === 0,
  deleted: await client.store.delete(kept.key),
  gone: await refused(() => client.store.retrieve(kept.key)),
  two: await refused(() => client.audio.speech_to_text({ url: "https://example.com/a.wav", file_store_key: "x" })),
  unknown: await refused(() => JigsawStack({ apiKey: "stt_live_nobody", baseURL: args.base }).audio.speech_to_text(sound)),
});
