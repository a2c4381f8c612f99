/** In a file of its own, so that the lines run side by side. */
import { watchScenario } from './watch-scenario.ts';

watchScenario('2.8.1');
