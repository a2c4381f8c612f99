import type { Project } from '../../../src-main/domain/project/model.ts';
import { participant, sampleProject } from '../../lab/sample-project.ts';

/** A signed 2.7 project with so many clients. */
export const crashProject = (clients: number): Project =>
  sampleProject('2.7.2', {
    name: 'crashing',
    participants: [
      participant('server', 'server1'),
      ...Array.from({ length: clients }, (_unused, index) => participant('client', `site-${index + 1}`)),
    ],
  });
