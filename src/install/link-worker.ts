import { parentPort, workerData } from 'node:worker_threads';
import { type LinkJob, linkTrees } from './link-trees.ts';

parentPort?.postMessage(linkTrees(workerData as LinkJob));
