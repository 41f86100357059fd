import { compareWithPip } from './compare.ts';
import { randomCases } from './random.ts';

compareWithPip('random graphs, part 1', randomCases(1));
