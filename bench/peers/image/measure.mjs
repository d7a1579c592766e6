// Runs a job some times in this process and prints the median CPU and wall time of a run as one JSON line.

const median = (values) => values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)];

/** `job` makes all variants of the file in `process.argv[2]`; what it gives is printed too. */
export async function measure(job) {
  const repeats = Number(process.argv[3] ?? 5);
  const cpu = [];
  const wall = [];
  let extra = await job(); // Warms up code and caches; not counted.
  for (let run = 0; run < repeats; run += 1) {
    const [cpuStart, wallStart] = [process.cpuUsage(), performance.now()];
    extra = await job();
    const { user, system } = process.cpuUsage(cpuStart);
    cpu.push((user + system) / 1000);
    wall.push(performance.now() - wallStart);
  }
  const rss_mib = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(JSON.stringify({ cpu_ms: median(cpu), wall_ms: median(wall), rss_mib, ...extra }));
}
