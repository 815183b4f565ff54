// The operator swaps at the vocabulary: what cargo-mutants does not know, since to it an intrinsic is a call like
// any other. Each row: which calls, and what stands there instead, of the call's name and arguments.

/** Another name, the same arguments. */
const renamed = (from, to) => (name, args) => `${name.replace(from, to)}(${args.join(', ')})`;
/** Two arguments change places. */
const exchanged = (i, j) => (name, args) => {
  const other = [...args];
  [other[i], other[j]] = [args[j], args[i]];
  return `${name}(${other.join(', ')})`;
};

/** Name of the call (turbofish and receiver are part of it), what is done to it in a word, and the doing. */
export const swaps = [
  // The intrinsics of the tiers.
  [/^_mm\d*_add_\w+$/, 'sub', renamed('_add_', '_sub_')],
  [/^_mm\d*_sub_\w+$/, 'add', renamed('_sub_', '_add_')],
  [/^_mm\d*_mul_ps$/, 'add', renamed('_mul_', '_add_')],
  [/^_mm\d*_div_ps$/, 'mul', renamed('_div_', '_mul_')],
  [/^_mm\d*_div_ps$/, 'exchange', exchanged(0, 1)],
  [/^_mm\d*_fmadd_ps$/, 'fmsub', renamed('_fmadd_', '_fmsub_')],
  [
    /^_mm\d*_fmadd_ps$/,
    'round twice',
    (name, [a, b, c]) => {
      const with_ = op => name.replace('fmadd', op);
      return `${with_('add')}(${with_('mul')}(${a}, ${b}), ${c})`;
    },
  ],
  [/^_mm\d*_max_\w+$/, 'min', renamed('_max_', '_min_')],
  [/^_mm\d*_max_\w+$/, 'exchange', exchanged(0, 1)],
  [/^_mm\d*_and_\w+$/, 'or', renamed('_and_', '_or_')],
  [/^_mm\d*_or_\w+$/, 'and', renamed('_or_', '_and_')],
  [/^_mm\d*_or_\w+$/, 'xor', renamed('_or_', '_xor_')],
  [/^_mm\d*_andnot_\w+$/, 'and', renamed('_andnot_', '_and_')],
  [/^_mm\d*_slli_/, 'srli', renamed('_slli_', '_srli_')],
  [/^_mm\d*_srli_/, 'slli', renamed('_srli_', '_slli_')],
  [/^_mm\d*_srli_/, 'srai', renamed('_srli_', '_srai_')],
  [/^_mm\d*_srai_/, 'srli', renamed('_srai_', '_srli_')],
  [/^_mm\d*_s[rl][la]i_.*<\d+>$/, 'one less', renamed(/<(\d+)>/, (_, n) => `<${n - 1}>`)],
  [/^_mm\d*_extract.*<1>$/, 'lower', renamed('<1>', '<0>')],
  [/^_mm\d*_shuffle_ps::<1>$/, 'lane 0', renamed('<1>', '<0>')],
  [/^_mm\d*_permute_ps/, 'none', renamed(/<\w+>/, '<0b11_10_01_00>')],
  [/^_mm\d*_cmpgt_epi32$/, 'cmpeq', renamed('cmpgt', 'cmpeq')],
  [/^_mm\d*_cmp[gl]t_epi32$/, 'exchange', exchanged(0, 1)],
  [/^_mm\d*_cmplt_ps$/, 'cmple', renamed('cmplt', 'cmple')],
  [/^_mm\d*_cmplt_ps$/, 'cmpnge', renamed('cmplt', 'cmpnge')],
  [/^_mm\d*_cmpunord_ps$/, 'cmpord', renamed('cmpunord', 'cmpord')],
  [/_CMP_LT_OQ/, 'LE_OQ', renamed('LT_OQ', 'LE_OQ')],
  [/_CMP_LT_OQ/, 'NGE_UQ', renamed('LT_OQ', 'NGE_UQ')],
  [/_CMP_UNORD_Q/, 'ORD_Q', renamed('UNORD_Q', 'ORD_Q')],
  [/_MM_FROUND_TO_NEAREST_INT/, 'to zero', renamed('TO_NEAREST_INT', 'TO_ZERO')],
  [/^_mm\d*_blendv_/, 'exchange', exchanged(0, 1)],
  [/^_mm\d*_mask_blend_/, 'exchange', exchanged(1, 2)],
  [/^_mm\d*_(packs|packus|movehl|movelh|unpack\w+|permute2f128|set_m128i)_?/, 'exchange', exchanged(0, 1)],
  [/^_mm\d*_movehl_/, 'movelh', renamed('movehl', 'movelh')],
  [
    /^_mm\d*_(maskz_|mask)\w*(load|store)/,
    'all lanes',
    (name, args) => `${name}(${args.map(all).join(', ')})`,
  ],
  [
    /^_mm\d*_set1_(epi32|ps)$/,
    'one more',
    (name, [a]) => `${name}(${a} + ${name.endsWith('ps') ? '1.0' : '1'})`,
  ],
  [/^p\.(wrapping_)?add$/, 'p', () => 'p'],

  // The vocabulary's own words, where kernels say them.
  [/^s\.add$/, 'sub', renamed('add', 'sub')],
  [/^s\.sub$/, 'add', renamed('sub', 'add')],
  [/^s\.sub$/, 'exchange', exchanged(0, 1)],
  [/^s\.mul$/, 'add', renamed('mul', 'add')],
  [/^s\.div$/, 'mul', renamed('div', 'mul')],
  [/^s\.mac$/, 'mul', (_, [a, b]) => `s.mul(${a}, ${b})`],
  [/^s\.mac$/, 'round twice', (_, [a, b, c]) => `s.add(s.mul(${a}, ${b}), ${c})`],
  [/^s\.max$/, 'first', (_, [a]) => a],
  [/^s\.max$/, 'exchange', exchanged(0, 1)],
  [/^s\.less$/, 'exchange', exchanged(0, 1)],
  [/^s\.select$/, 'exchange', exchanged(1, 2)],
  [/^s\.tree_max$/, 'tree_sum', renamed('max', 'sum')],
  [/^s\.swap_pairs$/, 'none', (_, [a]) => a],
  [/^s\.into_exponent$/, 'none', (_, [a]) => a],
  [/^s\.first$/, 'one more', (name, [a]) => `${name}(${a} + 1)`],
  [/^First$/, 'one less', (name, [a]) => `${name}((${a}).saturating_sub(1))`],
];

/** A mask's argument of which every lane is set; others as they are. */
function all(argument) {
  if (/^mask\(/.test(argument)) return '!0';
  return /^(low|high)$/.test(argument) ? '_mm256_set1_epi32(-1)' : argument;
}
