import type { KitFile } from './kit-file.ts';

const title = { server: 'Server kit', client: 'Client kit', admin: 'Admin kit' };

/** The readme of a kit, in plain words (docs/reference/provisioning.md §4.1). */
export function renderReadme(type: keyof typeof title): KitFile {
  return type === 'admin'
    ? { path: 'startup/readme.txt', mode: 0o644, content: adminText() }
    : { path: 'readme.txt', mode: 0o644, content: siteText(type) };
}

function siteText(type: 'server' | 'client'): string {
  return `${heading(type)}
startup/fed_${type}.json   what this site is and where the server is
startup/${type}.crt, startup/${type}.key
                          its certificate and private key
startup/rootCA.pem        the certificate authority of the project
startup/start.sh          starts the site in the background and returns
startup/sub_start.sh      does the starting and keeps the site running
startup/stop_fl.sh        asks the running site to stop (a last resort)
local/                    policies of this site; copy a .default file to its name
                          without .default to change it
transfer/                 files that come and go with commands

To run the site, install nvflare in the version this kit was made for, then run
startup/start.sh.

Keep startup/${type}.key to yourself: whoever has it can pose as this site. The
certificate carries the name of the site, so neither can be exchanged alone.
`;
}

function adminText(): string {
  return `${heading('admin')}
fed_admin.json            who you are and where the server is
client.crt, client.key    your certificate and private key
rootCA.pem                the certificate authority of the project
fl_admin.sh               opens the admin console of nvflare
system_info.ipynb         the same from a notebook, with the FLARE API

Keep client.key to yourself: whoever has it can act in your name. The certificate
carries your name and role, so neither can be exchanged alone.
`;
}

function heading(type: keyof typeof title): string {
  return `${title[type]}\n${'='.repeat(title[type].length)}\n`;
}
