/** Switches of requests: 0 and 1 as documented for most calls, or booleans as the answers have them. */
export const isSet = (value: 0 | 1 | boolean | undefined): boolean => value === 1 || value === true;
