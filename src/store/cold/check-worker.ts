import { parentPort, workerData } from 'node:worker_threads';
import { type CheckJob, checkFiles } from './check-files.ts';

parentPort?.postMessage(checkFiles(workerData as CheckJob));
