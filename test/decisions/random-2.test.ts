import { compareWithPip } from './compare.ts';
import { randomCases } from './random.ts';

compareWithPip('random graphs, part 2', randomCases(2));
