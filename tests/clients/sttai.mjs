import { answer, args, refusal } from "./harness.mjs";

// The package gives its upload to fetch as a `form-data` stream. Node's own fetch sends that as "[object FormData]";
// without it the package takes node-fetch, for which it was written.
const own = args.nodeFetch ? undefined : globalThis.fetch;
globalThis.fetch = own;
const { STTClient } = (await import("@sttainpm/sttai")).default;
const client = new STTClient({ apiKey: args.key, baseUrl: args.base });
const stranger = new STTClient({ apiKey: "stt_live_nobody", baseUrl: args.base });

answer({
  models: await client.models(),
  languages: await client.languages(),
  health: await client.health(),
  heard: await refusal(() => client.transcribe(args.file, { language: "en", speakers: 1, responseFormat: "json" })),
  wrong: await refusal(() => client.transcribe(args.file, { language: "xx" })),
  unknown: await refusal(() => stranger.transcribe(args.file)),
});
