// On the audio thread: whatever the microphone gives becomes frames of 100 ms, 16-bit mono at 16 kHz.

import { RATE, Resampler } from "./resample.js";

const FRAME = RATE / 10;

class Frames extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate);
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
    this.port.onmessage = () => this.flush();
  }

  process([channels]) {
    if (channels.length) this.take(this.resampler.push(mono(channels)));
    return true;
  }

  take(samples) {
    for (const sample of samples) {
      this.frame[this.filled++] = Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));
      if (this.filled === FRAME) this.send(this.frame);
    }
  }

  /** What is there of a frame, and the word that it was the last. */
  flush() {
    if (this.filled) this.send(this.frame.slice(0, this.filled));
    this.port.postMessage(null);
  }

  send(frame) {
    this.port.postMessage(frame.buffer, [frame.buffer]);
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
  }
}

function mono(channels) {
  if (channels.length === 1) return channels[0];
  return channels[0].map((_, i) => channels.reduce((sum, channel) => sum + channel[i], 0) / channels.length);
}

registerProcessor("frames", Frames);
