-- What wrk sends, and the check of every answer. The request comes in the environment, from wrk.py:
-- BENCH_METHOD, BENCH_PATH, BENCH_BODY, BENCH_AUTHORIZATION, BENCH_STATUS (the one answer that counts),
-- BENCH_FIRST_ID, BENCH_LAST_ID, BENCH_RUN. In path and body {id} is a random loaded user, {n} is new each time.

local threads = {}

function setup(thread)
   thread:set("number", #threads + 1)
   table.insert(threads, thread)
end

function init(args)
   path, body = os.getenv("BENCH_PATH"), os.getenv("BENCH_BODY")
   first, last = tonumber(os.getenv("BENCH_FIRST_ID")), tonumber(os.getenv("BENCH_LAST_ID"))
   expected = tonumber(os.getenv("BENCH_STATUS"))
   wrk.method = os.getenv("BENCH_METHOD")
   if os.getenv("BENCH_AUTHORIZATION") ~= "" then
      wrk.headers["Authorization"] = os.getenv("BENCH_AUTHORIZATION")
   end
   if body ~= "" then
      wrk.headers["Content-Type"] = "application/json"
   end
   prefix = os.getenv("BENCH_RUN") .. "x" .. number .. "x"
   math.randomseed(tonumber(os.getenv("BENCH_RUN")) * 1000 + number)
   sent, right, wrong, sample = 0, 0, 0, ""
end

local function filled(template)
   local values = { id = string.format("%d", math.random(first, last)), n = prefix .. sent }
   return (template:gsub("{(%l+)}", values))
end

function request()
   sent = sent + 1
   return wrk.format(nil, filled(path), nil, body ~= "" and filled(body) or nil)
end

function response(status, headers, answer)
   if status == expected then
      right = right + 1
   else
      wrong = wrong + 1
      if sample == "" then
         sample = status .. " " .. answer:sub(1, 200):gsub("%s+", " ")
      end
   end
end

function done(summary, latency, requests)
   local right, wrong, sample = 0, 0, ""
   for _, thread in ipairs(threads) do
      right, wrong = right + thread:get("right"), wrong + thread:get("wrong")
      sample = sample ~= "" and sample or thread:get("sample")
   end
   local errors = summary.errors
   io.write(string.format(
      "result: requests=%d right=%d wrong=%d connect=%d read=%d write=%d timeout=%d duration_us=%d p50_us=%d p99_us=%d\n",
      summary.requests, right, wrong, errors.connect, errors.read, errors.write, errors.timeout,
      summary.duration, latency:percentile(50), latency:percentile(99)))
   io.write("sample: " .. sample .. "\n")
end
