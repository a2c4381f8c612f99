/** What the calls about a key broker share. */
import { z } from 'zod';
import { nameField, placeField } from './fields.ts';

export const releaseField = z.enum(['v0.14', 'v0.15', 'v0.16', 'v0.17', 'v0.18', 'v0.19', 'v0.20', 'v0.21']);
/** `project.yml`; `desk.yml` with `kbs` lies beside it. */
export const brokerOfFile = placeField;
/** The project's name, typed; without it a person is asked. */
export const typedName = nameField.optional();
/** Longer than a person may take for the answer. */
export const writeDeadlineMs = 240_000;
