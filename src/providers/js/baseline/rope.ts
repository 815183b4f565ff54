/** RoPE as contracts.md has it: angles in float64, each cosine and sine rounded to f32, one rounding at the end. */

import { type Answer, type Args, decode, inPlace, type Tensor } from '../kernel.ts';
import { hasShape, indexOf, outputsLieWell, write } from './elements.ts';

type Call = Args<'rope'>;

export function rope(call: Call): Answer {
  if (!isValid(call)) return 'invalid';
  const { x, positions, cos, sin, y, rotaryDim, interleaved, scaling } = call;
  const [batch, tokens, heads, headDim] = x.shape;
  const half = rotaryDim / 2;
  const frequencies = cos ? [] : inverseFrequencies(call);
  const factor = scaling.type === 'yarn' ? scaling.attentionFactor : 1;
  const [c, s] = [new Float64Array(half), new Float64Array(half)];
  const [from, to] = interleaved ? [2, 1] : [1, half];
  for (let b = 0; b < batch; b++) {
    for (let t = 0; t < tokens; t++) {
      const position = positionOf(positions, b, t);
      for (let i = 0; i < half; i++) {
        const angle = position * frequencies[i];
        c[i] = cos ? cos.data[indexOf(cos, position, i)] : Math.fround(Math.cos(angle) * factor);
        s[i] = sin ? sin.data[indexOf(sin, position, i)] : Math.fround(Math.sin(angle) * factor);
      }
      for (let head = 0; head < heads; head++) {
        const [source, target] = [indexOf(x, b, t, head), indexOf(y, b, t, head)];
        for (let i = 0; i < half; i++) {
          const [first, second] = [i * from, i * from + to];
          const p = element(x, source + first * x.strides[3]);
          const q = element(x, source + second * x.strides[3]);
          write(y, target + first * y.strides[3], p * c[i] - q * s[i]);
          write(y, target + second * y.strides[3], q * c[i] + p * s[i]);
        }
      }
    }
  }
  if (!inPlace(x, y)) copyTail(x, y, rotaryDim, headDim);
  return 'ok';
}

function element({ data, dtype }: Tensor, at: number): number {
  return dtype === 'f32' ? data[at] : decode(data[at], dtype);
}

function positionOf(positions: Tensor, b: number, t: number): number {
  return positions.data[positions.shape.length === 1 ? indexOf(positions, t) : indexOf(positions, b, t)];
}

/** What is not turned keeps its bits, NaN payloads among them: it goes through integers. */
function copyTail(x: Tensor, y: Tensor, from: number, to: number): void {
  const bits = ({ data }: Tensor) =>
    data instanceof Uint16Array ? data : new Uint32Array(data.buffer, data.byteOffset, data.length);
  const [source, target] = [bits(x), bits(y)];
  const [batch, tokens, heads] = x.shape;
  for (let b = 0; b < batch; b++) {
    for (let t = 0; t < tokens; t++) {
      for (let head = 0; head < heads; head++) {
        for (let d = from; d < to; d++) target[indexOf(y, b, t, head, d)] = source[indexOf(x, b, t, head, d)];
      }
    }
  }
}

/** After scaling. */
function inverseFrequencies({ rotaryDim, theta, scaling }: Call): number[] {
  const half = rotaryDim / 2;
  const plain = Array.from({ length: half }, (_, i) => theta ** ((-2 * i) / rotaryDim));
  switch (scaling.type) {
    case 'none':
      return plain;
    case 'linear':
      return plain.map(f => f / scaling.factor);
    case 'llama3': {
      const { factor, lowFreqFactor: low, highFreqFactor: high, originalMaxPositions: o } = scaling;
      return plain.map(f => {
        const wavelength = (2 * Math.PI) / f;
        if (wavelength < o / high) return f;
        if (wavelength > o / low) return f / factor;
        const smooth = (o / wavelength - low) / (high - low);
        return ((1 - smooth) * f) / factor + smooth * f;
      });
    }
    case 'yarn': {
      const { factor, betaFast, betaSlow, originalMaxPositions: o } = scaling;
      const correction = (beta: number) =>
        (rotaryDim * Math.log(o / (2 * Math.PI * beta))) / (2 * Math.log(theta));
      const low = Math.max(Math.floor(correction(betaFast)), 0);
      const high = Math.min(Math.ceil(correction(betaSlow)), rotaryDim - 1);
      const end = high === low ? high + 0.001 : high;
      return plain.map((f, i) => {
        const ramp = Math.min(Math.max((i - low) / (end - low), 0), 1);
        return f * (1 - ramp) + (f / factor) * ramp;
      });
    }
  }
}

function isValid(call: Call): boolean {
  const { threads, x, positions, cos, sin, y, rotaryDim } = call;
  if (threads === 0 || x.shape.length !== 4 || !hasShape(y, ...x.shape) || y.dtype !== x.dtype) return false;
  const [batch, tokens, , headDim] = x.shape;
  if (rotaryDim % 2 !== 0 || rotaryDim > headDim) return false;
  if (!hasShape(positions, tokens) && !hasShape(positions, batch, tokens)) return false;
  if (cos || sin) {
    if (!cos || !sin || cos.shape.length !== 2) return false;
    const table = [cos.shape[0], rotaryDim / 2];
    if (!hasShape(cos, ...table) || !hasShape(sin, ...table)) return false;
  } else if (!(call.theta > 1) || !makesSense(call)) return false;
  for (let b = 0; b < batch; b++) {
    for (let t = 0; t < tokens; t++) {
      const position = positionOf(positions, b, t);
      if (position < 0 || (cos && position >= cos.shape[0])) return false;
    }
  }
  return outputsLieWell([{ tensor: y, mayBe: x }], [x, positions, cos, sin]);
}

function makesSense({ scaling }: Call): boolean {
  if (scaling.type === 'none') return true;
  if (!(scaling.factor > 0)) return false;
  if (scaling.type === 'linear') return true;
  if (scaling.originalMaxPositions === 0) return false;
  return scaling.type === 'yarn' || scaling.highFreqFactor >= scaling.lowFreqFactor;
}
