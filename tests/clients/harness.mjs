// What a script is called with, and how it says what came of it.
export const args = JSON.parse(process.argv[2] ?? "{}");

export function answer(value) {
  console.log(JSON.stringify(value));
}

// The fields of a refusal that a program decides by, as the client understood it.
export async function refusal(call) {
  try {
    return { ok: await call() };
  } catch (error) {
    const { name, status, code, type, param, message } = error;
    return { name: error.constructor?.name ?? name, status, code, type, param, message };
  }
}
