/**
 * Draws the app's icons anew from assets/icon.svg: `node scripts/icons.mjs`, after the drawing has changed. The results are kept
 * beside it, so that no packaging needs a browser.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright';
import { root } from './packages.mjs';

const assets = join(root, 'assets');
/** Edges in pixels: what desktops of Linux look for, and what the two containers take. */
const sizes = [16, 24, 32, 48, 64, 128, 256, 512, 1024];
const inWindows = [16, 24, 32, 48, 64, 128, 256];
/** Types of Apple's container whose content is a PNG of that edge. */
const inMac = { ic07: 128, ic08: 256, ic09: 512, ic10: 1024, ic11: 32, ic12: 64, ic13: 256, ic14: 512 };

async function draw() {
  const drawing = readFileSync(join(assets, 'icon.svg')).toString('base64');
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
    timeout: 30_000,
  });
  try {
    const page = await browser.newPage();
    const drawn = new Map();
    for (const size of sizes) {
      await page.setViewportSize({ width: size, height: size });
      await page.setContent(
        `<body style="margin:0"><img width="${size}" height="${size}" style="display:block" src="data:image/svg+xml;base64,${drawing}">`,
        { waitUntil: 'load' },
      );
      drawn.set(size, await page.screenshot({ omitBackground: true, timeout: 10_000 }));
    }
    return drawn;
  } finally {
    await browser.close();
  }
}

/** An ICO file: a head, one entry of 16 bytes per picture, then the pictures as PNG (read since Windows Vista). */
function windowsIcon(pictures) {
  const head = Buffer.alloc(6 + 16 * pictures.length);
  head.writeUInt16LE(1, 2);
  head.writeUInt16LE(pictures.length, 4);
  let at = head.length;
  pictures.forEach(([size, picture], index) => {
    const entry = 6 + 16 * index;
    // 256 is written as 0.
    head.writeUInt8(size % 256, entry);
    head.writeUInt8(size % 256, entry + 1);
    head.writeUInt16LE(1, entry + 4);
    head.writeUInt16LE(32, entry + 6);
    head.writeUInt32LE(picture.length, entry + 8);
    head.writeUInt32LE(at, entry + 12);
    at += picture.length;
  });
  return Buffer.concat([head, ...pictures.map(([, picture]) => picture)]);
}

/** An ICNS file: a head and entries, each with its type and length, big-endian. */
function macIcon(pictures) {
  const entry = (type, content) => {
    const head = Buffer.alloc(8);
    head.write(type, 'latin1');
    head.writeUInt32BE(8 + content.length, 4);
    return Buffer.concat([head, content]);
  };
  return entry('icns', Buffer.concat(pictures.map(([type, picture]) => entry(type, picture))));
}

const drawn = await draw();
mkdirSync(join(assets, 'icons'), { recursive: true });
for (const [size, picture] of drawn) writeFileSync(join(assets, `icons/${size}x${size}.png`), picture);
writeFileSync(join(assets, 'icon.png'), drawn.get(1024));
writeFileSync(join(assets, 'icon.ico'), windowsIcon(inWindows.map((size) => [size, drawn.get(size)])));
writeFileSync(
  join(assets, 'icon.icns'),
  macIcon(Object.entries(inMac).map(([type, size]) => [type, drawn.get(size)])),
);
