-- For wrk: posts a text a request, from the JSON strings of the file $TEXTS, and prints one line of JSON at the end.
local texts = {}
for line in io.lines(os.getenv("TEXTS")) do
    texts[#texts + 1] = line
end
local position = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
    position = position % #texts + 1
    return wrk.format(nil, nil, nil, '{"inputs":' .. texts[position] .. "}")
end
done = function(summary, latency)
    local errors = summary.errors
    io.write(
        string.format(
            '{"requests_per_second":%f,"p50_ms":%f,"p99_ms":%f,"errors":%d}\n',
            summary.requests / summary.duration * 1e6,
            latency:percentile(50) / 1e3,
            latency:percentile(99) / 1e3,
            errors.status + errors.connect + errors.read + errors.timeout
        )
    )
end
