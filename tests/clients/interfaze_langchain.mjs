// LangChain for JavaScript.
import { ChatOpenAI } from "@langchain/openai";
import { z } from "zod";
import { answer, args } from "./harness.mjs";

const model = new ChatOpenAI({ model: "interfaze-beta", apiKey: args.key, configuration: { baseURL: `${args.base}/v1` } });
const typed = model.withStructuredOutput(z.object({ text: z.string(), language: z.string() }), { name: "stt_schema", method: "jsonSchema" });
answer(await typed.invoke(`Transcribe the audio file ${args.url}`));
