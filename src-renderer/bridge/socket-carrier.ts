import type { Envelope } from '../../src-main/contract/kernel.ts';
import type { Carrier, CarrierState, ChannelMessage, PromptMessage } from './carrier.ts';

type Down =
  | { kind: 'answer'; id: number; envelope: Envelope<unknown> }
  | { kind: 'channel'; id: number; message: ChannelMessage }
  | { kind: 'prompt'; prompt: PromptMessage }
  | { kind: 'withdrawn'; id: string };

interface OpenChannel {
  name: string;
  payload: unknown;
  onMessage(message: ChannelMessage): void;
  isState: boolean;
}

const lost: Envelope<never> = {
  ok: false,
  error: { code: 'unreachable', message: 'The connection to FLARE Desk is lost.', retryable: true },
};

/** Carries the contract over the web socket of `flaredesk serve`. Reconnects by itself and subscribes to its states again. */
export function createSocketCarrier(url: string): Carrier {
  let socket: WebSocket | undefined;
  let state: CarrierState = 'connecting';
  let next = 1;
  let delay = 250;
  const pending = new Map<number, (envelope: Envelope<unknown>) => void>();
  const channels = new Map<number, OpenChannel>();
  const waiting: string[] = [];
  const stateListeners = new Set<(state: CarrierState) => void>();
  const promptListeners = new Set<{ ask(prompt: PromptMessage): void; withdrawn(id: string): void }>();

  const setState = (value: CarrierState): void => {
    state = value;
    for (const listener of stateListeners) listener(value);
  };
  const send = (message: unknown): void => {
    const text = JSON.stringify(message);
    if (socket?.readyState === WebSocket.OPEN) socket.send(text);
    else waiting.push(text);
  };
  const onDown = (down: Down): void => {
    switch (down.kind) {
      case 'answer':
        pending.get(down.id)?.(down.envelope);
        pending.delete(down.id);
        return;
      case 'channel': {
        const channel = channels.get(down.id);
        channel?.onMessage(down.message);
        if (down.message.kind === 'snapshot' && channel) channel.isState = true;
        if (down.message.kind === 'end') channels.delete(down.id);
        return;
      }
      case 'prompt':
        for (const listener of promptListeners) listener.ask(down.prompt);
        return;
      case 'withdrawn':
        for (const listener of promptListeners) listener.withdrawn(down.id);
        return;
    }
  };
  const connect = (): void => {
    socket = new WebSocket(url);
    socket.onopen = () => {
      delay = 250;
      for (const text of waiting.splice(0)) socket?.send(text);
      setState('open');
    };
    socket.onmessage = (event) => onDown(JSON.parse(String(event.data)) as Down);
    socket.onclose = () => {
      setState('lost');
      for (const resolve of pending.values()) resolve(lost);
      pending.clear();
      for (const [id, channel] of channels) {
        if (channel.isState)
          waiting.push(JSON.stringify({ kind: 'open', id, name: channel.name, payload: channel.payload }));
        else {
          channels.delete(id);
          channel.onMessage({ kind: 'end', result: lost });
        }
      }
      setTimeout(connect, delay);
      delay = Math.min(delay * 2, 5000);
    };
  };
  connect();

  return {
    call(name, payload) {
      if (state === 'lost') return Promise.resolve(lost);
      const id = next++;
      return new Promise((resolve) => {
        pending.set(id, resolve);
        send({ kind: 'call', id, name, payload });
      });
    },
    open(name, payload, onMessage) {
      const id = next++;
      channels.set(id, { name, payload, onMessage, isState: false });
      send({ kind: 'open', id, name, payload });
      return {
        send: (item) => send({ kind: 'up', id, item }),
        credit: (items) => send({ kind: 'credit', id, items }),
        close() {
          if (channels.delete(id)) send({ kind: 'close', id });
        },
      };
    },
    onPrompt(ask, withdrawn) {
      const listener = { ask, withdrawn };
      promptListeners.add(listener);
      return () => void promptListeners.delete(listener);
    },
    answer: (id, value) => send({ kind: 'prompt-answer', id, value }),
    state: () => state,
    onState(listener) {
      stateListeners.add(listener);
      return () => void stateListeners.delete(listener);
    },
  };
}
