// OpenAI's own client for Node: a file read as a stream has no known length, so its body is chunked.
import { createReadStream } from "node:fs";
import OpenAI from "openai";
import { answer, args, refusal } from "./harness.mjs";

const client = new OpenAI({ apiKey: args.key, baseURL: args.base });
const file = () => createReadStream(args.speech);
const create = (fields) => client.audio.transcriptions.create({ file: file(), model: "whisper-1", ...fields });

const events = [];
for await (const event of await create({ stream: true, include: ["logprobs"] })) events.push(event);

answer({
  json: await create({}),
  verbose: await create({ response_format: "verbose_json", timestamp_granularities: ["word", "segment"] }),
  text: await create({ response_format: "text" }),
  diarized: await create({
    model: "gpt-4o-transcribe-diarize",
    response_format: "diarized_json",
    chunking_strategy: { type: "server_vad", threshold: 0.5 },
  }),
  translation: await client.audio.translations.create({ file: file(), model: "whisper-1" }),
  events,
  models: (await client.models.list()).data.map((model) => model.id),
  model: await client.models.retrieve("whisper-1"),
  badField: await refusal(() => create({ temperature: 1.5 })),
  badModel: await refusal(() => create({ model: "foo" })),
  badKey: await refusal(() => new OpenAI({ apiKey: "stt_live_nobody", baseURL: args.base }).audio.transcriptions.create(
    { file: file(), model: "whisper-1" })),
});
