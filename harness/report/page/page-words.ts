/** Quantities for people, and names for addresses within the page. */

export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${Number(value.toFixed(value < 10 ? 2 : 1))} ${units[power - 1]}`;
}

export function durationText(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

export function countText(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** Of a rule: ids in a page hold nothing but letters, digits and hyphens. */
export function ruleAnchor(rule: string): string {
  return `rule-${rule.replaceAll(/[^A-Za-z0-9-]/g, '_')}`;
}

export function runAnchor(index: number): string {
  return `run-${index}`;
}
