// The Vercel AI SDK: it sends a recording's bytes as bare base64, and a schema of its own making.
import { createOpenAI } from "@ai-sdk/openai";
import { generateObject, streamText } from "ai";
import { readFileSync } from "node:fs";
import { z } from "zod";
import { answer, args } from "./harness.mjs";

const model = createOpenAI({ apiKey: args.key, baseURL: `${args.base}/v1` }).chat("interfaze-beta");
const sound = { type: "file", data: readFileSync(args.file), mediaType: "audio/wav" };
const messages = [{ role: "user", content: [{ type: "text", text: "Transcribe the audio file" }, sound] }];

const typed = await generateObject({ model, schema: z.object({ text: z.string(), language: z.string() }), messages });
const task = await generateObject({ model, schema: z.any(), system: "<task>speech_to_text</task>", messages });
let streamed = "";
for await (const text of streamText({ model, messages }).textStream) streamed += text;
answer({ typed: typed.object, usage: typed.usage, precontext: typed.response.body.precontext, task: task.object, streamed });
