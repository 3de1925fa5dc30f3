// A box of NeoPro 1, as far as the live channel sees it: the official client with the options that boxes have.
// Arguments: address, site id, key, transports (comma). Says each event on a line of JSON; takes events to
// emit as lines of JSON (`["heartbeat", {…}]`) on its input, also before it is connected, and `{"drop":true}`.
import { createInterface } from 'node:readline';
import { io } from 'socket.io-client';

const [address, siteId, apiKey, transports] = process.argv.slice(2);
const say = (event, data) => process.stdout.write(`${JSON.stringify({ event, data })}\n`);

const socket = io(address, {
  transports: transports.split(','),
  reconnection: true,
  reconnectionDelay: 200,
  reconnectionDelayMax: 400,
  timeout: 20000,
});

// Listened to from the first moment: a change of transport may be over before the namespace is entered.
socket.io.on('open', () => {
  say('open', { transport: socket.io.engine.transport.name });
  socket.io.engine.on('upgrade', (transport) => say('upgrade', { transport: transport.name }));
});
socket.on('connect', () => {
  socket.emit('authenticate', { siteId, apiKey });
});
socket.on('ping_check', (data) => {
  say('ping_check', data);
  socket.emit('pong_check');
});
// A box of NeoPro 1 acknowledges nothing: who asks it to would wait in vain.
socket.on('command', (data, ...more) => say('command', more.length ? { ...data, more: more.length } : data));
for (const event of ['authenticated', 'auth_error']) {
  socket.on(event, (data) => say(event, data));
}
socket.on('disconnect', (reason) => say('disconnect', { reason }));
socket.on('connect_error', (error) => say('connect_error', { message: error.message }));

createInterface({ input: process.stdin }).on('line', (line) => {
  const said = JSON.parse(line);
  if (said.drop) return socket.io.engine.transport.ws.terminate();
  const [event, data] = said;
  if (data === undefined) socket.emit(event);
  else socket.emit(event, data);
});
