// A server around what ZoneMTA has to write a bounce: its plugin core/email-bounce, and its formatSMTPResponse(). The
// rest of ZoneMTA, its queue, needs MongoDB and Redis. It sends as ZoneMTA's sender does, by mx-connect and nodemailer.
'use strict';

const [home, host] = process.argv.slice(2);
const need = name => require(`${home}/node_modules/${name}`);
const { SMTPServer } = need('smtp-server');
const SMTPConnection = need('nodemailer/lib/smtp-connection');
const mxConnect = require('util').promisify(need('mx-connect'));
const { Headers } = need('mailsplit');
const { formatSMTPResponse } = need('zone-mta/lib/bounces');

const hooks = {};
const app = {
    config: { zoneConfig: {}, mailerDaemon: { name: 'Mail Delivery Subsystem', address: 'mailer-daemon@[HOSTNAME]' }, sendingZone: 'bounces' },
    logger: console,
    remotelog: () => false,
    getQueue: () => ({ generateId: done => done(null, 'bounce') }),
    addHook: (name, hook) => (hooks[name] = hook)
};
need('zone-mta/plugins/core/email-bounce').init(app, () => false);

const send = async (from, to, mail) => {
    const mx = await mxConnect({ target: to.slice(to.lastIndexOf('@') + 1).replace(/[[\]]/g, ''), port: 25 });
    const options = { host: mx.host, port: 25, connection: mx.socket, ignoreTLS: true, opportunisticTLS: true, name: host };
    return new Promise((resolve, reject) => {
        const connection = new SMTPConnection(options);
        const fail = error => reject(Object.assign(error, { mx: mx.hostname }));
        connection.once('error', fail);
        connection.connect(error =>
            error ? fail(error) : connection.send({ from, to: [to] }, mail, failed => (connection.quit(), failed ? fail(failed) : resolve()))
        );
    });
};

const maildrop = {
    add: (envelope, stream, done) => {
        const chunks = [];
        stream.on('data', chunk => chunks.push(chunk));
        stream.on('end', () => send('', envelope.to, Buffer.concat(chunks)).then(() => done(), done));
    }
};

const bounce = (from, to, mail, error) => {
    const head = mail.slice(0, Math.max(mail.indexOf('\r\n\r\n'), 0) + 2);
    hooks['queue:bounce'](
        {
            id: '19a1c0ffee000b',
            zone: 'default',
            from,
            to,
            headers: new Headers(head),
            name: host,
            mxHostname: error.mx,
            arrivalDate: Date.now(),
            response: formatSMTPResponse(error.response || `Network error: Error connecting to ${error.mx || to}. ${error.message}`)
        },
        maildrop,
        () => false
    );
};

new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    onData(stream, session, done) {
        const chunks = [];
        stream.on('data', chunk => chunks.push(chunk));
        stream.on('end', () => {
            const mail = Buffer.concat(chunks);
            const from = session.envelope.mailFrom.address;
            for (const { address } of session.envelope.rcptTo) {
                send(from, address, mail).catch(error => from && bounce(from, address, mail, error));
            }
            done();
        });
    }
}).listen(25, '127.0.0.1');
