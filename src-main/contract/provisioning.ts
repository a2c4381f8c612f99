/** Signed kits from a project. */
import { z } from 'zod';
import { namesField, placeField } from './fields.ts';
import { defineTask } from './kernel.ts';
import { projectInput } from './projects.ts';

export const provisioning = {
  run: defineTask({
    name: 'provisioning.run',
    effect: 'write',
    places: ['file', 'add_clients', 'add_users', 'workspace'],
    input: z.strictObject({
      ...projectInput,
      workspace: placeField.optional(),
      /** Participants whose certificate and key are made anew. */
      reissue: namesField.optional(),
      /** False: signed kits only, although the project has a packager for images. */
      images: z.boolean().optional(),
    }),
    output: z.strictObject({
      prod: z.string(),
      flare: z.string(),
      participants: z.array(
        z.strictObject({ name: z.string(), type: z.string(), kit: z.string(), reused: z.boolean() }),
      ),
      seconds: z.number(),
      /** The task that builds the images, when the project has a packager for them. */
      build_task: z.string().optional(),
    }),
  }),
};
