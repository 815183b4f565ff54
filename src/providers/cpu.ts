/** On which CPU a runner's kernels run, or believe that they do. */

export type Cpu =
  /** This one. */
  | { readonly is: 'here' }
  /** This one, but CPUID and XGETBV deny features, and registers that the system saves (crates/exec/src/faked.rs). */
  | { readonly is: 'faked'; readonly lacks: readonly string[] }
  /** One that the emulator knows by this name. What it does not know is an illegal instruction. */
  | { readonly is: 'emulated'; readonly model: string };

export const here: Cpu = { is: 'here' };

/** The emulator: of qemu's "user" programs, the one for this architecture. */
export const emulator = 'qemu-x86_64';

/** What qemu is told of a CPU, where its name alone would make it warn of what it can't do. */
const toldOf: Readonly<Record<string, string>> = {
  Haswell: 'Haswell-noTSX,-pcid,-x2apic,-tsc-deadline,-invpcid',
};

/** The command that runs a runner there. */
export function commandOn(cpu: Cpu, runner: string): string[] {
  switch (cpu.is) {
    case 'here':
      return [runner];
    case 'faked':
      return [runner, '--without', cpu.lacks.join()];
    case 'emulated':
      return [emulator, '-cpu', toldOf[cpu.model] ?? cpu.model, runner, '--lenient'];
  }
}

/** How much longer things take there, at worst. */
export function slownessOf(cpu: Cpu): number {
  return cpu.is === 'emulated' ? 20 : 1;
}
