// Vercel's AI SDK with its provider for OpenAI. It checks each answer against a schema, and throws.
import { readFile } from "node:fs/promises";
import { createOpenAI } from "@ai-sdk/openai";
import { experimental_transcribe as transcribe } from "ai";
import { answer, args, refusal } from "./harness.mjs";

const openai = createOpenAI({ apiKey: args.key, baseURL: args.base });
const audio = await readFile(args.speech);
const read = (result) => ({
  text: result.text,
  segments: result.segments,
  language: result.language,
  seconds: result.durationInSeconds,
});

answer({
  plain: read(await transcribe({ model: openai.transcription("whisper-1"), audio })),
  words: read(
    await transcribe({
      model: openai.transcription("whisper-1"),
      audio,
      providerOptions: { openai: { timestampGranularities: ["word"], language: "en" } },
    }),
  ),
  newer: read(await transcribe({ model: openai.transcription("gpt-4o-mini-transcribe"), audio })),
  badKey: await refusal(() =>
    transcribe({
      model: createOpenAI({ apiKey: "stt_live_nobody", baseURL: args.base }).transcription("whisper-1"),
      audio,
      maxRetries: 0,
    }),
  ),
});
