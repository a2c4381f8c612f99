/** core-js brings no types; its entry points are imported for what they do. */
declare module 'core-js/actual';
