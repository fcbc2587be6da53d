// One process per repository. Helia has no lock of its own, and two nodes on one datastore lose each other's pins.
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";

/** Another living process holds the repository. */
export class RepositoryInUse extends Error {
  constructor(repository, pid) {
    super(`repository ${repository} is in use by process ${pid}: stop that one first, or choose another folder`);
    this.pid = pid;
  }
}

/** When the process `pid` started, in a unit of the platform's own, or "" where that cannot be told. */
async function startOf(pid) {
  try {
    // Field 22 of /proc/<pid>/stat; the command in field 2 may hold spaces, so count from its closing bracket.
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return "";
  }
}

async function isAlive({ pid, start }) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== "EPERM") return false;
  }
  return (await startOf(pid)) === start; // otherwise the number was given to another process since
}

function parseHolder(text) {
  try {
    const { pid, start } = JSON.parse(text);
    return Number.isInteger(pid) && pid > 0 ? { pid, start } : null;
  } catch {
    return null;
  }
}

/**
 * Takes the lock of `repository`, which must exist, and returns the function that gives it back.
 * A lock left by a process that is gone is taken over. Throws RepositoryInUse.
 */
export async function lockRepository(repository) {
  const file = path.join(repository, "repo.lock");
  const mine = `${file}.${process.pid}`;
  await writeFile(mine, JSON.stringify({ pid: process.pid, start: await startOf(process.pid) }));
  try {
    for (;;) {
      try {
        await link(mine, file); // written whole and only if there is none: no other process sees half a lock
        return () => rm(file, { force: true });
      } catch (error) {
        if (error.code !== "EEXIST") throw error;
      }
      await removeIfStale(repository, file);
    }
  } finally {
    await rm(mine, { force: true });
  }
}

async function removeIfStale(repository, file) {
  const text = await readFile(file, "utf8").catch(() => null);
  if (text === null) return; // given back in the meantime
  const holder = parseHolder(text);
  if (holder !== null && (await isAlive(holder))) throw new RepositoryInUse(repository, holder.pid);

  // Move it aside and look again: another process may have recovered the lock between the two steps above.
  const aside = `${file}.stale.${process.pid}`;
  await rename(file, aside).catch(() => undefined);
  const moved = await readFile(aside, "utf8").catch(() => null);
  if (moved !== null && moved !== text) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}
