// Worker that listens to the event stream, one for all windows of a browser: over HTTP/1.1 a browser opens six
// connections to a host at most, and a stream holds one of them. `self.name` is the path of the stream.
// A window posts "listen" while it is visible, and "leave"; it receives "open", "change" and "lost".
"use strict";
const RETRY_MILLISECONDS = 3000;
const listeners = new Set();
let source = null, retry = null;

function publish(state) {
  for (const port of listeners) port.postMessage(state);
}
function updateStream() {
  clearTimeout(retry);
  if (!listeners.size) {
    source?.close();
    source = null;
  } else if (!source) {
    source = new EventSource(self.name);
    source.onopen = () => publish("open");
    source.onmessage = () => publish("change");
    source.onerror = () => {
      publish("lost");
      if (source.readyState !== EventSource.CLOSED) return; // the browser connects again by itself
      source = null;
      retry = setTimeout(updateStream, RETRY_MILLISECONDS);
    };
  }
}
function serve(port) {
  port.onmessage = ({ data }) => {
    if (data === "listen") listeners.add(port);
    else listeners.delete(port);
    updateStream();
    if (data !== "listen" || source.readyState !== EventSource.OPEN) return;
    port.postMessage("open");
    port.postMessage("change"); // the window may have missed a change since it was rendered
  };
}
// A browser without shared workers starts one worker for each window.
if ("onconnect" in self) self.onconnect = ({ ports: [port] }) => serve(port);
else serve(self);
