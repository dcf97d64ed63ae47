// The microphone, or the sound of a tab, as frames of 100 ms. The context keeps the device's own rate: Firefox refuses to
// join a microphone to a context of another one.

import { RATE } from "./resample.js";

const AUDIO = { echoCancellation: false, noiseSuppression: false, autoGainControl: true };
const QUIET = 0.001; // root mean square, -60 dB
export const TAB = "tab";

export const canCapture = () => isSecureContext && Boolean(navigator.mediaDevices?.getUserMedia) && "AudioWorkletNode" in window;
export const canCaptureTab = () => Boolean(navigator.mediaDevices?.getDisplayMedia);

export class Capture {
  /** `onframe(buffer, ms, loud)`; `onend()` when the device is gone. */
  constructor(worklet, onframe, onend) {
    Object.assign(this, { worklet, onframe, onend });
  }

  /** Raises what getUserMedia raises. */
  async start(source) {
    this.stream = await (source === TAB ? tab() : microphone(source));
    try {
      await this.listen();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async listen() {
    const [track] = this.stream.getAudioTracks();
    if (!track) throw new DOMException("No sound was shared.", "NotFoundError");
    track.addEventListener("ended", () => this.onend());
    this.context = new AudioContext();
    await this.context.audioWorklet.addModule(this.worklet);
    await this.context.resume();
    this.node = new AudioWorkletNode(this.context, "frames", { numberOfOutputs: 0 });
    this.flushed = new Promise((done) => {
      this.node.port.onmessage = ({ data }) => (data ? this.heard(data) : done());
    });
    this.input = this.context.createMediaStreamSource(this.stream);
    this.input.connect(this.node);
  }

  heard(buffer) {
    const samples = new Int16Array(buffer);
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    const loud = Math.sqrt(sum / samples.length) / 32768 > QUIET;
    this.onframe(buffer, (samples.length / RATE) * 1000, loud);
  }

  /** The last frames come before it is done. */
  async stop() {
    if (this.node) {
      this.input.disconnect();
      this.node.port.postMessage("flush");
      await Promise.race([this.flushed, new Promise((done) => setTimeout(done, 500))]);
    }
    this.close();
  }

  close() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    if (this.context?.state !== "closed") this.context?.close();
    this.stream = this.context = this.node = null;
  }
}

function microphone(deviceId) {
  const device = deviceId ? { deviceId: { exact: deviceId } } : {};
  return navigator.mediaDevices.getUserMedia({ audio: { ...AUDIO, ...device } });
}

/** The picture is asked for because browsers give a tab's sound only with it. */
function tab() {
  return navigator.mediaDevices.getDisplayMedia({ video: true, audio: { ...AUDIO, autoGainControl: false } });
}

export async function microphones() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter(({ kind, label, deviceId }) => kind === "audioinput" && label && deviceId !== "default");
}
