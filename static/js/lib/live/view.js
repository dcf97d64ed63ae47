// Where a page that only shows gets its words: from the page that listens, in another window of this browser, or from the
// server by the token behind the # of the address.

const WAITS = [500, 1000, 2000, 5000];

export function read(address, take, state) {
  const mark = location.hash.slice(1);
  if (mark.startsWith("here-")) {
    const channel = new BroadcastChannel(mark);
    channel.onmessage = ({ data }) => take(data);
    channel.postMessage({ type: "hello" });
    return state("waiting");
  }
  if (!/^[\w-]{43}$/.test(mark)) return state("wrong");
  let tries = 0;
  const open = () => {
    const socket = new WebSocket(address, ["steno.v1", mark]);
    socket.onopen = () => {
      tries = 0;
      state("waiting");
    };
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.fatal) state("refused", message.error);
      else take(message);
    };
    socket.onclose = ({ code }) => {
      if (code === 4404) return;
      if (code !== 4503) state("lost");
      setTimeout(open, WAITS[Math.min(tries++, WAITS.length - 1)]);
    };
  };
  open();
}
