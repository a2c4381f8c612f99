/** What the overview says of the image of a confidential participant. */
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { z } from 'zod';
import type { workspaceParticipantSchema } from '../../contract/workspace.ts';
import type { Project } from '../../domain/project/model.ts';
import { makesImages } from '../builds/plan.ts';

type Participant = z.infer<typeof workspaceParticipantSchema>;

/** `confidential` and `image` of a participant that runs in a confidential VM; nothing for the others. */
export async function imageParts(
  project: Project | undefined,
  participant: Project['participants'][number],
  prodFolder: string | undefined,
): Promise<Pick<Participant, 'confidential' | 'image' | 'kit'>> {
  if (!project || participant.ccConfig === undefined || !makesImages(project)) return {};
  const { name } = participant;
  const archive =
    prodFolder === undefined
      ? undefined
      : await stat(join(prodFolder, name, `${name}.tgz`)).catch(() => undefined);
  if (!archive || prodFolder === undefined) return { confidential: true };
  const at = archive.mtime.toISOString();
  const { expectedOf } = await import('./expected-image.ts');
  const expected = await expectedOf(join(prodFolder, name, `${name}.tgz`), archive);
  return {
    confidential: true,
    image: { state: 'ok', text: 'built', at, ...expected },
    // Packaging puts the kit into the image and takes it away from the folder.
    kit: { state: 'ok', text: basename(prodFolder), at, message: 'It is inside the image.' },
  };
}
