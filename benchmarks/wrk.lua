-- Posts whole requests in turn, made ready in a file: four bytes of length, the request. Prints what it saw as one line of
-- JSON.
local file = assert(io.open(os.getenv("REQUESTS"), "rb"))
local requests, count = {}, 0
while true do
  local size = file:read(4)
  if not size then break end
  local a, b, c, d = size:byte(1, 4)
  count = count + 1
  requests[count] = file:read(a + 256 * (b + 256 * (c + 256 * d)))
end
file:close()

local place = 0
function request()
  place = place % count + 1
  return requests[place]
end

function done(summary, latency)
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "p50_ms": %.4f, "p99_ms": %.4f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
