/** The words that all parts of the scenario language share. */
import { Type } from 'typebox';
import { DURATION_PATTERN, SIZE_PATTERN } from '../quantities.ts';

/** An unknown word is an error, so that a misspelt expectation can't pass by never being looked at. */
export const closed = { additionalProperties: false } as const;
/** For objects of which one word at least must be there. */
export const closedSome = { ...closed, minProperties: 1 } as const;

export const Size = Type.Unsafe<number | string>({
  type: ['integer', 'string'],
  minimum: 0,
  pattern: SIZE_PATTERN,
  description: 'Bytes, or a text such as 64KiB or 10MiB+512',
});
export const Duration = Type.String({
  pattern: DURATION_PATTERN,
  description: 'For instance 500ms, 90s, 10m, 24h, 7d',
});
export const Slot = Type.String({
  pattern: '^(ide|virtio|scsi)\\d+$',
  description: 'Slot of a disk: ide0, virtio1',
});
export const Name = Type.String({ minLength: 1, maxLength: 80 });
export const ServerName = Type.String({
  minLength: 1,
  description: 'Name of a server; the first one when absent',
});
export const ProxyName = Type.String({
  minLength: 1,
  description: 'Name of a proxy VM; the first one when absent',
});
export const Nth = Type.Integer({
  minimum: 1,
  description: 'Counted from 1, from the beginning of the step',
});
export const Count = Type.Integer({ minimum: 0 });
export const Bounds = Type.Object(
  {
    atLeast: Type.Optional(Count),
    atMost: Type.Optional(Count),
    exactly: Type.Optional(Count),
  },
  closedSome,
);
export const ENGINE_NAMES = ['first', 'second'] as const;
export const EngineName = Type.Enum(ENGINE_NAMES, {
  description: 'Which of two engines, each with a repository of its own; first when absent',
});
export const TransportName = Type.Enum(['nbd', 'nbdssl', 'hotadd'], {
  description: 'Data path of this job; that of the run when absent',
});
