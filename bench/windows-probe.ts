/** What measures inside the page. Text, for it runs in the browser: nothing of it is part of the product. */
export const probe = `
(() => {
  const parse = JSON.parse;
  const probe = (window.probe = { dataAt: 0, glyphs: [] });
  // A whole list of sites or jobs arrives as one text; the clock starts before it is even parsed.
  JSON.parse = function (text, ...rest) {
    if (typeof text === 'string' && text.length > 100000) probe.dataAt = performance.now();
    return parse.call(this, text, ...rest);
  };
  const opened = {};
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (text) {
    const up = parse(text);
    if (up.kind === 'open') opened[up.name] = { socket: this, id: up.id };
    return send.call(this, text);
  };
  /** Tells the page a newer value of a state than main will while this goes on. */
  probe.tell = (name, value) => {
    const { socket, id } = opened[name];
    const message = '{"kind":"snapshot","first":false,"version":1000000,"value":' + value + '}';
    const data = '{"kind":"channel","id":' + id + ',"message":' + message + '}';
    socket.onmessage(new MessageEvent('message', { data }));
  };
  /** Runs when what is in the document now has been drawn. */
  const drawn = (then) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => then(performance.now());
    requestAnimationFrame(() => channel.port2.postMessage(0));
  };
  const rows = () => document.querySelectorAll('[role=grid] [role=row]').length;
  /** Milliseconds since the page began (load) or since the data came, when so many rows are drawn. */
  probe.rowsDrawn = (least) =>
    new Promise((resolve) => {
      const look = () => {
        if (rows() < least) return requestAnimationFrame(look);
        drawn((at) => resolve({ sinceBegin: at, sinceData: at - probe.dataAt }));
      };
      look();
    });
  /** Scrolls the table all the time for some seconds; the frames and the longest of them. */
  probe.scroll = (milliseconds) =>
    new Promise((resolve) => {
      let view = document.querySelector('[role=grid] [role=row][aria-rowindex="2"]');
      while (view && !(view.scrollHeight > view.clientHeight + 10 && getComputedStyle(view).overflowY !== 'visible'))
        view = view.parentElement;
      if (!view) return resolve({ frames: 0, elapsed: 0, longest: 0, empty: 0 });
      const begin = performance.now();
      let last = begin, longest = 0, frames = 0, empty = 0, direction = 1;
      const step = (now) => {
        longest = Math.max(longest, now - last);
        last = now;
        frames += 1;
        const box = view.getBoundingClientRect();
        const seen = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
        if (!seen || !seen.closest('[role=row]')) empty += 1;
        if (view.scrollTop + view.clientHeight >= view.scrollHeight - 1) direction = -1;
        else if (view.scrollTop <= 0) direction = 1;
        view.scrollTop += direction * 120;
        if (now - begin < milliseconds) requestAnimationFrame(step);
        else resolve({ frames, elapsed: now - begin, longest, empty });
      };
      requestAnimationFrame(step);
    });
  let typedAt = 0;
  addEventListener('keydown', (event) => (typedAt = event.timeStamp), true);
  /** From now on: the milliseconds from each key to the drawn change of the terminal. */
  probe.watchGlyphs = () => {
    const screen = document.querySelector('.xterm-rows');
    new MutationObserver(() => {
      if (typedAt === 0) return;
      const from = typedAt;
      typedAt = 0;
      const channel = new MessageChannel();
      channel.port1.onmessage = () => probe.glyphs.push(performance.now() - from);
      channel.port2.postMessage(0);
    }).observe(screen, { childList: true, subtree: true, characterData: true });
  };
})();
`;
