import type { Participant } from '../../project/model.ts';
import { findOwnFolder, shebang, shellWord } from './shell.ts';

/** `docker.sh`: runs the kit in a container (docs/reference/provisioning.md §7.5). */
export function renderDocker(participant: Participant, image: string): string {
  const head = `${shebang}${findOwnFolder}image=${shellWord(image)}\necho "Starting a container of $image"\n`;
  if (participant.type === 'server') return head + serverContainer(participant);
  if (participant.type === 'client') return head + clientContainer(participant);
  return `${head}docker run --rm -it --name=fladmin -v "$here/..:/workspace/" -w /workspace/ "$image" /bin/bash\n`;
}

function serverContainer(server: Participant): string {
  return `# SVR_NAME: name of the container. -d: run the server in the background instead of opening a shell.
options=(--name="\${SVR_NAME:-flserver}" -v "$here/..:/workspace/" -w /workspace/ --ipc=host --net=host)
if [[ "\${1:-}" == -d ]]; then
  docker run -d --rm "\${options[@]}" "$image" /bin/bash -c \\
    "python -u -m nvflare.private.fed.app.server.server_train -m /workspace -s fed_server.json --set secure_train=true config_folder=config org=${server.org}"
else
  docker run --rm -it "\${options[@]}" "$image" /bin/bash
fi
`;
}

function clientContainer(client: Participant): string {
  return `# MY_DATA_DIR: folder shown read-only as /data. GPU2USE: docker's GPU option, for example --gpus=all.
# -d: run the client in the background instead of opening a shell.
data="\${MY_DATA_DIR:-/home/flclient/data}"
read -r -a gpus <<<"\${GPU2USE:-}"
options=(--name=${client.name} "\${gpus[@]}" -u "$(id -u):$(id -g)"
  -v /etc/passwd:/etc/passwd -v /etc/group:/etc/group -v "$here/..:/workspace/" -v "$data:/data/:ro"
  -w /workspace/ --ipc=host --net=host)
if [[ "\${1:-}" == -d ]]; then
  docker run -d --rm "\${options[@]}" "$image" /bin/bash -c \\
    "python -u -m nvflare.private.fed.app.client.client_train -m /workspace -s fed_client.json --set uid=${client.name} secure_train=true config_folder=config org=${client.org}"
else
  docker run --rm -it "\${options[@]}" "$image" /bin/bash
fi
`;
}
