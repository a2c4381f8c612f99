/** The files a new project starts from. They pass our own check and `nvflare provision` of both lines. */
import { builderPaths } from './builder-rules.ts';
import { deskDefaults } from './desk.ts';
import type { FlareLine } from './model.ts';
import { longestProjectName, projectNamePattern } from './names.ts';
import { renderScalar } from './yaml/write.ts';

/** A folder's name as a project name; a neutral name when it cannot be one. */
export function projectNameFor(folder: string): string {
  const name = folder
    .replace(/[^A-Za-z0-9._-]+/g, '_')
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '')
    .slice(0, longestProjectName);
  return projectNamePattern.test(name) ? name : 'my_project';
}

const exampleParticipants = `participants:
  # The server. Its name must be resolvable on every site, and is what their certificates check.
  - name: server1.example.org
    type: server
    org: my_org
    # The one port the sites connect to; admins use it too, unless admin_port names another.
    fed_learn_port: 8002
    # Further names or addresses the server is reached by:
    # host_names: [10.0.0.5, fl.example.org]

  # One entry per site. Names: letters, digits, hyphens, underscores. Orgs: letters, digits, underscores.
  - name: site-1
    type: client
    org: hospital_a
  - name: site-2
    type: client
    org: hospital_b
    # What the site offers to jobs:
    # capacity: { num_of_gpus: 1, mem_per_gpu_in_GiB: 16 }

  # People who log in. Roles: project_admin, org_admin, lead, member.
  - name: admin@example.org
    type: admin
    org: my_org
    role: project_admin
`;

/** With example participants, or with an empty list for a wizard that asks for them. */
export function starterProject(name: string, participants: 'example' | 'none' = 'example'): string {
  return projectText(name, participants === 'example' ? exampleParticipants : 'participants: []\n');
}

function projectText(name: string, participants: string): string {
  return `# An NVIDIA FLARE project: who takes part, and how their startup kits are made.
# Check it:      flaredesk project check project.yml
# Make the kits: flaredesk provision -p project.yml

# 3 suits FLARE 2.7 and 2.8; studies (2.8 only) need 4.
api_version: 3

# Folder of the kits and name of the root certificate. Another name later means a new root.
name: ${renderScalar(name)}
description: Federated learning project

${participants}
# How traffic is protected: mtls (default), tls, or clear behind something that encrypts it.
# connection_security: mtls

# What writes the kits. The order matters.
builders:
  - path: ${builderPaths.workspace}
  - path: ${builderPaths.staticFile}
    args:
      # http (default), grpc or tcp
      scheme: http
      # For start scripts that run the kit in a container:
      # docker_image: my.registry/flare:2.8.1
  - path: ${builderPaths.cert}
  - path: ${builderPaths.signature}
`;
}

/** `sites` = participants that run on a host, in file order. */
export function starterDesk(line: FlareLine, sites: readonly string[]): string {
  const hosts = sites.map((name) => `  # ${renderScalar(name)}: { ssh: host.example.org }`);
  return `# What FLARE Desk needs beside project.yml. No secrets belong here.
version: 1

# FLARE version of the kits: 2.7.2 or 2.8.1
flare: "${line}"
project: ${deskDefaults.project}
workspace: ${deskDefaults.workspace}

# For every host that does not say otherwise.
defaults:
  user: flare
  # identity: ~/.ssh/id_ed25519
  # Folder on the host that holds the kits:
  directory: ${deskDefaults.directory}

# Where each participant runs. Names and jump hosts of ~/.ssh/config work too.
#   ssh       host name, address, or Host of ~/.ssh/config
#   port, user, identity, directory, via (jump host)
#   path      folders put before PATH when the kit is started: [/opt/nvflare/bin]
#   host_key  "SHA256:…" as ssh-keygen -l prints it: the only key that is accepted
hosts:
${hosts.join('\n')}

# Confidential computing: where images are built, and the Trustee key broker.
# builders:
#   here: { local: true, command: ~/cc/image_builder/cvm_build.sh }
#   snp-1: { ssh: 10.0.0.9, command: /opt/cc/image_builder/cvm_build.sh }
# kbs: { address: https://kbs.example.org:8999, ca: certs/kbs-ca.pem, admin_key: ~/kbs/private.key }

transfer:
  channels: ${deskDefaults.channels}
  parallel: ${deskDefaults.parallel}
  # bandwidth: 50MB/s
`;
}
