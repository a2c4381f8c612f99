/** The rings of the house: arrows of import point inward only. Each rule says why. */
const services = '^src-main/services/';

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'contract-is-pure',
      comment: 'contract imports zod and itself',
      severity: 'error',
      from: { path: '^src-main/contract/' },
      to: { pathNot: ['^src-main/contract/', '^node_modules/zod/'] },
    },
    {
      name: 'domain-is-pure',
      comment: 'domain: no I/O, no Node; contract, itself, and pure parsers only',
      severity: 'error',
      from: { path: '^src-main/domain/' },
      to: { pathNot: ['^src-main/(contract|domain)/', '^node_modules/(zod|yaml)/'] },
    },
    {
      name: 'ports-are-types',
      severity: 'error',
      from: { path: '^src-main/ports\\.ts$' },
      to: { pathNot: ['^src-main/(contract|domain)/'] },
    },
    {
      name: 'services-point-inward',
      severity: 'error',
      from: { path: services },
      to: { path: '^src-main/(core\\.ts|core/|electron/|headless/)|^src-renderer/' },
    },
    {
      name: 'services-by-their-door',
      comment: 'another service is used through its index.ts only',
      severity: 'error',
      from: { path: '^src-main/services/([^/]+)/' },
      to: {
        path: '^src-main/services/[^/]+/',
        pathNot: ['^src-main/services/$1/', '^src-main/services/[^/]+/index\\.ts$'],
      },
    },
    {
      name: 'hosts-by-the-core',
      comment: 'core wires services through their doors; hosts talk to the core',
      severity: 'error',
      from: { path: '^src-main/(electron|headless)/' },
      to: { path: '^src-main/(services|domain)/' },
    },
    {
      name: 'core-by-the-doors',
      severity: 'error',
      from: { path: '^src-main/core' },
      to: { path: '^src-main/services/', pathNot: '^src-main/services/[^/]+/index\\.ts$' },
    },
    {
      name: 'core-knows-no-host',
      severity: 'error',
      from: { path: '^src-main/core' },
      to: { path: '^src-main/(electron|headless)/' },
    },
    {
      name: 'electron-only-in-electron',
      severity: 'error',
      from: { pathNot: ['^src-main/electron/', '^test/e2e/electron/'] },
      to: { path: '(^|/)electron(/|$)', dependencyTypes: ['npm', 'npm-dev'] },
    },
    {
      name: 'ssh2-only-in-ssh',
      severity: 'error',
      from: { pathNot: ['^src-main/services/ssh/', '^test/'] },
      to: { path: '^node_modules/(@types/)?ssh2/' },
    },
    {
      name: 'forge-only-in-pki',
      severity: 'error',
      from: { pathNot: ['^src-main/services/pki/', '^test/'] },
      to: { path: '^node_modules/(@types/)?node-forge/' },
    },
    {
      name: 'renderer-knows-the-contract',
      severity: 'error',
      from: { path: '^src-renderer/' },
      to: { path: '^src-main/', pathNot: '^src-main/contract/' },
    },
    {
      name: 'contract-as-types',
      comment:
        'types only: the bundle of the page carries no schemas of main (form schemas are the exception)',
      severity: 'error',
      from: { path: '^src-renderer/' },
      to: {
        path: '^src-main/contract/',
        pathNot: '^src-main/contract/(drafts|errors|names)\\.ts$',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'features-stand-alone',
      comment: 'a feature does not know another one; what two need lives in components/ or state/',
      severity: 'error',
      from: { path: '^src-renderer/features/([^/]+)/' },
      to: { path: '^src-renderer/features/', pathNot: '^src-renderer/features/$1/' },
    },
    {
      name: 'windows-point-inward',
      comment:
        'bridge, state, components, features, app: each knows those before it (and all of them the texts)',
      severity: 'error',
      from: { path: '^src-renderer/bridge/' },
      to: { path: '^src-renderer/', pathNot: '^src-renderer/bridge/' },
    },
    {
      name: 'state-knows-no-view',
      severity: 'error',
      from: { path: '^src-renderer/state/' },
      to: { path: '^src-renderer/', pathNot: '^src-renderer/(bridge|state)/' },
    },
    {
      name: 'shared-knows-no-feature',
      severity: 'error',
      from: { path: '^src-renderer/components/' },
      to: {
        path: '^src-renderer/',
        pathNot: '^src-renderer/(bridge|state|components)/|^src-renderer/app/texts\\.ts$',
      },
    },
    {
      name: 'features-know-no-shell',
      severity: 'error',
      from: { path: '^src-renderer/features/' },
      to: { path: '^src-renderer/app/', pathNot: '^src-renderer/app/texts\\.ts$' },
    },
    {
      name: 'main-knows-no-renderer',
      severity: 'error',
      from: { path: '^src-main/' },
      to: { path: '^src-renderer/' },
    },
    {
      name: 'no-tests-in-product',
      severity: 'error',
      from: { path: '^src-' },
      to: { path: '^(test|bench|scripts)/' },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(out|dist|test/fixtures)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
