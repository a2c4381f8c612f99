/** The types callers see, checked by the compiler: names, inputs and answers belong together. */
import { describe, expectTypeOf, it } from 'vitest';
import type {
  CallInput,
  CallOutput,
  Calls,
  DeskClient,
  Prompts,
  States,
  StreamItem,
  Streams,
  TaskInput,
  TaskOutput,
  Tasks,
} from '../../../src-main/contract/index.ts';
import type {
  CallName,
  PromptName,
  StateName,
  StreamName,
  TaskName,
} from '../../../src-main/contract/names.ts';

describe('the types of the contract', () => {
  it('know the same names as the list', () => {
    expectTypeOf<keyof Calls>().toEqualTypeOf<CallName>();
    expectTypeOf<keyof Tasks>().toEqualTypeOf<TaskName>();
    expectTypeOf<keyof Streams>().toEqualTypeOf<StreamName>();
    expectTypeOf<keyof States>().toEqualTypeOf<StateName>();
    expectTypeOf<keyof Prompts>().toEqualTypeOf<PromptName>();
  });

  it('tie inputs and answers to their names', () => {
    expectTypeOf<CallInput<'kits.inspect'>>().toEqualTypeOf<{ kit: string }>();
    expectTypeOf<CallOutput<'projects.check'>['participants']>().toEqualTypeOf<number>();
    expectTypeOf<TaskOutput<'jobs.submit'>['job_id']>().toEqualTypeOf<string>();
    expectTypeOf<TaskInput<'sites.run'>['verb']>().toEqualTypeOf<
      'check' | 'distribute' | 'start' | 'stop' | 'status' | 'rollback'
    >();
    expectTypeOf<
      Extract<StreamItem<'session.console'>, { kind: 'ended' }>['reason']
    >().toEqualTypeOf<string>();
  });

  it('refuse unknown names and wrong inputs at compile time', () => {
    const use = (client: DeskClient): unknown[] => [
      // @ts-expect-error -- no such name
      () => client.call('projects.explode', {}),
      // @ts-expect-error -- a field is missing
      () => client.call('kits.inspect', {}),
      // @ts-expect-error -- a task is not a call
      () => client.call('provisioning.run', { file: 'p' }),
      // @ts-expect-error -- a number is no path
      () => client.start('provisioning.run', { file: 7 }),
    ];
    expectTypeOf(use).toBeFunction();
  });
});
