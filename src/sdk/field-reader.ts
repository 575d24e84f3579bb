/** Reads the platform's answers: from `unknown` to what the SDK's functions return, or a clear error. */
import type { Json } from '../kernel/journal.ts';
import { ProtocolError } from './protocol-error.ts';

/**
 * One object of an answer. Every reader names the operation and the field when the contract is broken. Absent and
 * null count as the same, because the platform mixes them.
 */
export class FieldReader {
  readonly #operation: string;
  readonly #path: string;
  readonly #fields: { readonly [key: string]: unknown };

  constructor(operation: string, value: unknown, path = '') {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new ProtocolError(operation, path, 'is not an object');
    this.#operation = operation;
    this.#path = path;
    this.#fields = value as { readonly [key: string]: unknown };
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined && this.#fields[name] !== null;
  }

  /** The field as it came. */
  raw(name: string): unknown {
    return this.#fields[name];
  }

  json(name: string): Json {
    return this.#fields[name] === undefined ? this.#fail(name, 'is missing') : (this.#fields[name] as Json);
  }

  /** A text; numbers are taken as their digits, because ids come both ways. */
  string(name: string): string {
    const value = this.#fields[name];
    if (typeof value === 'string') return value;
    return typeof value === 'number' ? String(value) : this.#fail(name, 'is not a string');
  }

  stringOr(name: string, otherwise: string): string {
    return this.has(name) ? this.string(name) : otherwise;
  }

  /** A number, or a string that holds one. */
  number(name: string): number {
    const value = this.#fields[name];
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    return typeof number === 'number' && Number.isFinite(number)
      ? number
      : this.#fail(name, 'is not a number');
  }

  numberOr(name: string, otherwise: number): number {
    return this.has(name) ? this.number(name) : otherwise;
  }

  /** An integer from 0 up to 2^53 - 1. */
  integer(name: string): number {
    const value = this.number(name);
    return Number.isSafeInteger(value) && value >= 0 ? value : this.#fail(name, 'is not a safe integer');
  }

  /** True for `true`, 1 and their spellings as text; false for everything else, absent included. */
  flag(name: string): boolean {
    const value = this.#fields[name];
    return value === true || value === 1 || value === '1' || value === 'true';
  }

  object(name: string): FieldReader {
    return new FieldReader(this.#operation, this.#fields[name], this.#at(name));
  }

  objectOr(name: string): FieldReader {
    return new FieldReader(this.#operation, this.#fields[name] ?? {}, this.#at(name));
  }

  /** A list of objects. */
  list<T>(name: string, read: (item: FieldReader) => T): readonly T[] {
    const value = this.#fields[name];
    if (!Array.isArray(value)) return this.#fail(name, 'is not a list');
    return value.map((item: unknown, at) => read(this.#item(item, name, at)));
  }

  listOr<T>(name: string, read: (item: FieldReader) => T): readonly T[] {
    return this.has(name) ? this.list(name, read) : [];
  }

  strings(name: string): readonly string[] {
    const value = this.#fields[name] ?? [];
    if (!Array.isArray(value)) return this.#fail(name, 'is not a list');
    return value.map(String);
  }

  #item(item: unknown, name: string, at: number): FieldReader {
    return new FieldReader(this.#operation, item, `${this.#at(name)}[${at}]`);
  }

  #at(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }

  #fail(name: string, problem: string): never {
    throw new ProtocolError(this.#operation, this.#at(name), problem);
  }
}
