import 'core-js/actual';
import './abort-signal-any.ts';
