/** Answers that are lost, refused, paged. */
import { isDone, isToldDone } from '../rules/read-calls.ts';
import { isWithin, messageIs } from './call-questions.ts';
import type { Must } from './must.ts';

const MANY_PAGES = 3;

export const CALL_MUSTS: readonly Must[] = [
  {
    id: 'three-pages',
    title: `an answer about changed areas took ${MANY_PAGES} pages and more`,
    find: ({ walks }) =>
      walks
        .filter(({ queries }) => queries.filter(({ call }) => isToldDone(call)).length >= MANY_PAGES)
        .map(({ n }) => n),
  },
  {
    id: 'lost-create',
    title: 'the answer to a call that had created something was lost',
    find: ({ calls }) =>
      calls
        .filter(({ operation }) => operation.includes('.create'))
        .filter((call) => isDone(call) && call.reply?.isLost === true)
        .map(({ n }) => n),
  },
  {
    id: 'retry-after-429',
    title: 'a call was refused with 429 and succeeded later',
    find: ({ calls }) =>
      calls
        .filter(({ reply }) => reply?.status === 429)
        .filter(({ n, operation, path }) =>
          calls.some(
            (later) =>
              later.n > n && later.operation === operation && later.path === path && isToldDone(later),
          ),
        )
        .map(({ n }) => n),
  },
  {
    id: 'token-expired-in-job',
    title: 'a login token ran out in the midst of a job',
    find: ({ calls, jobs }) =>
      calls
        .filter((call) => messageIs(call, 'TOKEN_EXPIRED'))
        .filter((call) => jobs.some((job) => isWithin(call, job)))
        .map(({ n }) => n),
  },
  {
    id: 'snapshot-limit',
    title: 'a server had as many snapshots as it may have',
    find: ({ calls }) => calls.filter((call) => messageIs(call, 'SNAPSHOT_LIMIT')).map(({ n }) => n),
  },
  {
    id: 'phantom-delete-noticed',
    title: 'a removal that was reported done and was not was asked for again',
    find: ({ snapshots, hotAdded, faults }) =>
      [...snapshots, ...hotAdded].flatMap(({ deletedBy: [first, ...others] }) => {
        const again = others.at(0);
        const isPhantom = faults.some(
          ({ kind, n }) => kind === 'task-phantom' && n > (first?.n ?? 0) && n < (again?.n ?? 0),
        );
        return again !== undefined && isPhantom ? [again.n] : [];
      }),
  },
];
