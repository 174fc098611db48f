// The bare loop: a binary heap of events, a queue per partition, exponential draws, one mean.
// It models nothing else, so it is about the least time that such a simulation can take.
// Arguments: rate, mean service, partitions, messages. Prints messages, total sojourn, CPU seconds.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <queue>
#include <random>
#include <vector>

struct Event {
    double time;
    std::int32_t partition;  // -1: the source sends
    bool operator>(const Event& other) const { return time > other.time; }
};

int main(int count, char** arguments) {
    if (count != 5) return 2;
    const double rate = std::atof(arguments[1]), mean_service = std::atof(arguments[2]);
    const int partitions = std::atoi(arguments[3]);
    const long long messages = std::atoll(arguments[4]);

    const std::clock_t begin = std::clock();
    std::mt19937_64 generator(1);
    std::exponential_distribution<double> interval(rate), service(1.0 / mean_service);
    std::priority_queue<Event, std::vector<Event>, std::greater<Event>> calendar;
    std::vector<std::queue<double>> waiting(partitions);  // the first one is in service
    long long sent = 0, served = 0;
    double total_sojourn = 0.0;

    calendar.push({interval(generator), -1});
    while (!calendar.empty()) {
        const Event event = calendar.top();
        calendar.pop();
        if (event.partition < 0) {
            const int partition = static_cast<int>(sent++ % partitions);
            waiting[partition].push(event.time);
            if (waiting[partition].size() == 1)
                calendar.push({event.time + service(generator), partition});
            if (sent < messages) calendar.push({event.time + interval(generator), -1});
        } else {
            std::queue<double>& own = waiting[event.partition];
            total_sojourn += event.time - own.front();
            own.pop();
            ++served;
            if (!own.empty())
                calendar.push({event.time + service(generator), event.partition});
        }
    }
    const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    std::printf("%lld %.17g %.9f\n", served, total_sojourn, seconds);
    return 0;
}
