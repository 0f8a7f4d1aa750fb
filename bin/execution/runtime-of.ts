/** What the commands that plan tell of the machine, for the fingerprints of stages that compute with tensors. */
import type {RuntimeClass} from '../../pipeline/fingerprint/fingerprint.js';
import {runtimeClass} from '../../stages/tensorflow/runtime-class.js';

export const runtimeOf = (threads: number): RuntimeClass => ({...runtimeClass(threads)});
