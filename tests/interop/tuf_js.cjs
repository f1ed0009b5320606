// SPDX-License-Identifier: Apache-2.0
// node tuf_js.cjs MODULES CACHE FILES URL TARGET...: the bytes of each target, as JSON.
const [modules, cache, files, url, ...targets] = process.argv.slice(2)
const {Updater} = require(`${modules}/tuf-js`)
const fs = require('fs')

async function main() {
  const updater = new Updater({
    metadataDir: cache,
    metadataBaseUrl: `${url}/metadata`,
    targetDir: files,
    targetBaseUrl: `${url}/targets`,
  })
  await updater.refresh()
  const found = {}
  for (const target of targets) {
    const info = await updater.getTargetInfo(target)
    if (info === undefined) {
      found[target] = null
      continue
    }
    const path = (await updater.findCachedTarget(info)) || (await updater.downloadTarget(info))
    found[target] = fs.readFileSync(path).toString('base64')
  }
  console.log(JSON.stringify(found))
}

main().catch((error) => {
  console.error(error.name + ': ' + error.message)
  process.exit(1)
})
