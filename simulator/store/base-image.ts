/** A disk image under a simulated disk; opened by the app, because only it may touch files. */
export interface BaseImage {
  readonly sizeBytes: number;
  /** Bytes of a range inside the image, which the caller may keep but not change. */
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array>;
  /** The block (in units of the world's granularity) reads as zeros and takes no space. */
  isHole(block: number): boolean;
}
