/** Archives as `docker save` writes them: today's (OCI blobs and manifest.json), the classic one, a plain OCI layout. */
import { createHash } from 'node:crypto';
import { pack } from 'tar-stream';

export interface SavedImage {
  tag: string;
  entrypoint: readonly string[];
  /** Files of each layer, by path without a leading slash. */
  layers: readonly Readonly<Record<string, string>>[];
  architecture?: string;
}

export type SaveFormat = 'docker' | 'classic' | 'oci';

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** A tar of files, links and folders, in the given order. */
export async function tarOf(
  entries: readonly {
    name: string;
    content?: string | Buffer;
    link?: string;
    type?: 'symlink' | 'directory';
  }[],
): Promise<Buffer> {
  const tar = pack();
  for (const { name, content = '', link, type } of entries) {
    if (type === 'symlink') tar.entry({ name, type, linkname: link ?? '' });
    else if (type === 'directory') tar.entry({ name, type });
    else tar.entry({ name, mode: 0o644 }, content as Buffer);
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The files of a Python package as pip leaves them. */
export const installed = (name: string, version: string): Record<string, string> => ({
  [`usr/local/lib/python3.12/site-packages/${name}/__init__.py`]: '',
  [`usr/local/lib/python3.12/site-packages/${name}-${version}.dist-info/METADATA`]: `Name: ${name}\nVersion: ${version}\n`,
});

/** The archive, not packed. */
export async function saveArchive(image: SavedImage, format: SaveFormat = 'docker'): Promise<Buffer> {
  const layers = await Promise.all(
    image.layers.map((files) => tarOf(Object.entries(files).map(([name, content]) => ({ name, content })))),
  );
  const config = JSON.stringify({
    architecture: image.architecture ?? 'amd64',
    os: 'linux',
    created: '2026-01-01T00:00:00Z',
    config: { Entrypoint: image.entrypoint, Cmd: null },
    history: layers.map((_, index) => ({ created_by: `RUN step ${index + 1}` })),
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) },
  });
  if (format === 'classic') {
    const names = layers.map((layer) => `${sha256(layer)}/layer.tar`);
    return tarOf([
      ...layers.flatMap((layer, index) => [
        { name: `${sha256(layer)}/`, type: 'directory' as const },
        { name: `${sha256(layer)}/VERSION`, content: '1.0' },
        { name: names[index] ?? '', content: layer },
      ]),
      { name: `${sha256(config)}.json`, content: config },
      {
        name: 'manifest.json',
        content: JSON.stringify([{ Config: `${sha256(config)}.json`, RepoTags: [image.tag], Layers: names }]),
      },
      { name: 'repositories', content: '{}' },
    ]);
  }
  const blob = (bytes: Buffer | string) => ({ name: `blobs/sha256/${sha256(bytes)}`, content: bytes });
  const described = (bytes: Buffer | string, mediaType: string) => ({
    mediaType,
    digest: `sha256:${sha256(bytes)}`,
    size: bytes.length,
  });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    config: described(config, 'application/vnd.oci.image.config.v1+json'),
    layers: layers.map((layer) => described(layer, 'application/vnd.oci.image.layer.v1.tar')),
  });
  const index = JSON.stringify({
    schemaVersion: 2,
    manifests: [
      {
        ...described(manifest, 'application/vnd.oci.image.manifest.v1+json'),
        annotations: { 'org.opencontainers.image.ref.name': image.tag },
      },
    ],
  });
  return tarOf([
    { name: 'blobs/', type: 'directory' },
    { name: 'blobs/sha256/', type: 'directory' },
    ...[...layers, config, manifest].map(blob),
    { name: 'index.json', content: index },
    ...(format === 'docker'
      ? [
          {
            name: 'manifest.json',
            content: JSON.stringify([
              {
                Config: `blobs/sha256/${sha256(config)}`,
                RepoTags: [image.tag],
                Layers: layers.map((layer) => `blobs/sha256/${sha256(layer)}`),
              },
            ]),
          },
        ]
      : []),
    { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
  ]);
}
