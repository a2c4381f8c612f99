import { z } from 'zod';

// Before any schema exists: zod must not compile code at run time, the page's policy forbids it.
z.config({ jitless: true });
