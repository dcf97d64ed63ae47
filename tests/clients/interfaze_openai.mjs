// OpenAI's package for Node: a schema of zod's, the task with an empty schema, a stream, a refusal.
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { answer, args, refusal } from "./harness.mjs";

const client = new OpenAI({ apiKey: args.key, baseURL: `${args.base}/v1`, maxRetries: 0 });
const model = "interfaze-beta";
const file = { type: "file", file: { filename: "a.wav", file_data: args.url } };
const user = { role: "user", content: [{ type: "text", text: "Transcribe the audio file" }, file] };

const parsed = await client.chat.completions.parse({
  model,
  messages: [user],
  response_format: zodResponseFormat(z.object({ text: z.string(), chunks: z.array(z.object({ start: z.number(), text: z.string() })) }), "stt_schema"),
});
const task = await client.chat.completions.create({
  model,
  messages: [{ role: "system", content: "<task>speech_to_text</task>" }, user],
  response_format: { type: "json_schema", json_schema: { name: "empty_schema", schema: {} } },
});
const stream = await client.chat.completions.create({ model, messages: [user], stream: true, stream_options: { include_usage: true } });
let streamed = "";
let usage;
for await (const chunk of stream) {
  streamed += chunk.choices[0]?.delta.content ?? "";
  usage = chunk.usage ?? usage;
}
const unknown = await refusal(() => client.chat.completions.create({ model: "gpt-4o", messages: [user] }));
answer({ id: parsed.id, parsed: parsed.choices[0].message.parsed, precontext: parsed.precontext, task: task.choices[0].message.content, streamed, usage, unknown });
