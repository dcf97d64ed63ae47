// What the page can be in, in words.

/** `button` stands on Start; `bad` colours the sentence below. */
export const STATES = {
  idle: { says: "Not listening", button: "Start" },
  insecure: { says: "Not possible here", button: "Start", bad: true },
  unable: { says: "Not possible here", button: "Start", bad: true },
  asking: { says: "Asking for permission", button: "Cancel" },
  blocked: { says: "The microphone is blocked", button: "Start", bad: true },
  nodevice: { says: "No sound to listen to", button: "Start", bad: true },
  connecting: { says: "Connecting", button: "Stop" },
  listening: { says: "Listening", button: "Stop" },
  quiet: { says: "No sound", button: "Stop" },
  reconnecting: { says: "Reconnecting", button: "Stop" },
  finishing: { says: "Writing the last words", button: "Stop now" },
  ended: { says: "Ended", button: "Start" },
  max_duration: { says: "Ended", button: "Start" },
  overloaded: { says: "The server is full", button: "Start", bad: true },
  concurrency_limit: { says: "Too many at once", button: "Start", bad: true },
  lost: { says: "The server is away", button: "Start", bad: true },
  refused: { says: "Ended", button: "Start", bad: true },
};

export const SENTENCES = {
  insecure: "Browsers lend the microphone only to pages over https. Open this page by https, or on the machine itself by localhost. Nothing was charged.",
  unable: "This browser cannot listen: it has no AudioWorklet or no microphone access. Nothing was charged.",
  asking: "Your browser asks whether this page may listen.",
  blocked: "The page may not listen. Allow it beside the address, then press Start. Nothing was sent or charged.",
  nodevice: "No microphone was found, or no sound was shared. Connect one, then press Start. Nothing was charged.",
  quiet: "Nothing was heard for 5 seconds. Is the right microphone chosen, and is it switched on?",
  reconnecting: "The line broke. The last 30 seconds are kept and will be read when it is back.",
  refused: "The server refused. Reload the page and sign in again; your text is still here until you do.",
};

/** What getUserMedia raises where somebody said no. */
export const BLOCKED = new Set(["NotAllowedError", "SecurityError"]);
